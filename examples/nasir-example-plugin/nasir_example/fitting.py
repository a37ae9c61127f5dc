"""A fitting method: how a fresh network is fitted to one picture."""

import attrs
from attrs import validators as must

from nasir import FittingMethod, setting
from nasir.fitting.fit import Fit


@attrs.define
class FadingNoise(FittingMethod):
    """Adam on an input of noise that fades out, so that coarse structures are fitted first."""

    iterations: int = setting(200, "steps of a full fit, >= 1", must.ge(1))

    def fit(self, network, sample, task, request):
        import torch

        x, outputs = torch.rand(request.input_shape, device=request.device), {}
        optimizer = torch.optim.Adam(network.parameters(), 0.01)
        steps, marks = request.steps(self.iterations), request.marks(self.iterations)
        for step in range(1, steps + 1):
            output = network(x + (1 - step / self.iterations) * torch.randn_like(x))
            loss = task.loss(output, sample)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step in marks:
                outputs[step] = output.detach()
            request.progress(step, steps, loss.item())
        return Fit(outputs, steps, self.iterations, loss.item())
