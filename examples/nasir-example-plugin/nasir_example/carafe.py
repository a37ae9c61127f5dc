"""CARAFE: content-aware reassembly of features (Wang et al., ICCV 2019)."""

import torch
import torch.nn.functional as F
from torch import nn

from nasir.search_spaces.nasdip.operations import Upsampling


class Carafe(Upsampling):
    """Each new pixel is a mean of the 5 x 5 around its source, with weights that a small network
    predicts from the content (equations 1 to 4; 64 channels, kernel encoder 3 x 3)."""

    def __init__(self, channels, kernel, dilation):
        super().__init__(channels, kernel, dilation)
        self.predict = nn.Sequential(nn.Conv2d(channels, 64, 1), nn.Conv2d(64, 100, 3, padding=1))

    def forward(self, x):
        n, c, h, w = x.shape
        weights = self.predict(x).view(n, 25, 4, h, w).softmax(1)
        around = F.unfold(x, 5, padding=2).view(n, c, 25, h, w)
        reassembled = torch.einsum("nckhw,nkphw->ncphw", around, weights)
        return F.pixel_shuffle(reassembled.reshape(n, 4 * c, h, w), 2)
