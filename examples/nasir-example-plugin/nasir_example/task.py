"""A task: its pictures, what a fit minimises, and how good a restored picture is."""

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.search_space import Signature
from nasir.core.task import Sample, Task


@attrs.define
class Despeckle(Task):
    """Remove speckle, noise in proportion to the brightness, from photographs of scikit-image."""

    sigma: float = setting(0.3, "standard deviation over brightness, > 0", must.gt(0))
    size: int = setting(96, "side of the picture, 1 to 300 pixels", must.in_(range(1, 301)))
    seed: int = setting(0, "what the noise is drawn from, >= 0", must.ge(0))

    signature = Signature(1, 1)

    def samples(self, split):
        import torch
        from skimage import data

        name = {"search": "camera", "test": "coins"}[split]
        picture = torch.from_numpy(getattr(data, name)()[: self.size, : self.size] / 255)
        clean = picture.float()[None, None]
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(self.seed))
        return [Sample(name, clean + self.sigma * clean * noise, clean)]

    def loss(self, output, sample):
        return (output - sample.degraded).square().mean()

    def metrics(self, restored, sample):
        if sample.clean is None:
            return {}
        error = (restored - sample.clean).square().mean()
        return {"psnr": -10 * error.clamp_min(1e-10).log10().item()}
