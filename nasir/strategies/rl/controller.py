"""The recurrent controller: a distribution over the architectures of a domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture, Value
from nasir.core.domain import Domain, Prefix

Options = tuple[Value, ...]
Choose = Callable[[int, Options, Tensor], int]
"""From a decision's number, its open options and their log p ``(options,)`` to one's place."""


class Walk(NamedTuple):
    """One way through the decisions.

    `log_probability` of the architecture, and `entropy` of the decisions on the way, summed;
    both natural, of shape ``()``.
    """

    architecture: Architecture
    log_probability: Tensor
    entropy: Tensor


class Controller(nn.Module):
    """Takes the decisions of a domain one after the other (AutoGAN; NAS-DIP section 4.1).

    With h, c and the first x zero, a decision t takes option k of those open to it with
        h, c = LSTM(x, (h, c));  p(k) = softmax(W_t h + b_t)_k
    and the next input x is the embedding of k. The logits are divided by `temperature` and then,
    if there is a `tanh_bound` B, become B tanh(logits). Options not open after the choices so far
    take no part in the softmax; a decision that does not apply is skipped, without a step of
    the LSTM. Parameters are drawn from `seed`, as torch draws them for each layer.
    """

    def __init__(
        self,
        domain: Domain,
        hidden: int,
        seed: int,
        temperature: float = 1.0,
        tanh_bound: float | None = None,
    ) -> None:
        super().__init__()
        self.domain = domain
        self.hidden = hidden
        self.temperature = temperature
        self.tanh_bound = tanh_bound
        sizes = [len(decision.options) for decision in domain.decisions]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.lstm = nn.LSTMCell(hidden, hidden)
            self.heads = nn.ModuleList(nn.Linear(hidden, size) for size in sizes)
            self.embeddings = nn.ModuleList(nn.Embedding(size, hidden) for size in sizes)
        # repr, because 1, 1.0 and True are equal and yet three options
        self._rows = [{repr(v): k for k, v in enumerate(d.options)} for d in domain.decisions]

    @torch.no_grad()
    def sample(self, generator: torch.Generator) -> Walk:
        """Draw an architecture; one uniform number of `generator` for each decision taken."""

        def draw(_: int, options: Options, log_p: Tensor) -> int:
            cumulative = log_p.exp().cumsum(0)
            mark = torch.rand((), generator=generator) * cumulative[-1]
            return int((cumulative <= mark).sum())

        return self._walk(draw)

    def follow(self, architecture: Architecture) -> Walk:
        """Walk to a given architecture of the domain, with gradients."""
        chosen = [repr(value) for value in self.domain.prefix(architecture)]

        def take(i: int, options: Options, _: Tensor) -> int:
            return [repr(option) for option in options].index(chosen[i])

        return self._walk(take)

    def _walk(self, choose: Choose) -> Walk:
        prefix: Prefix = ()
        choices: dict[str, Value] = {}
        x = h = c = torch.zeros(1, self.hidden)
        log_probability, entropy = torch.zeros(()), torch.zeros(())
        for i, decision in enumerate(self.domain.decisions):
            options = self.domain.options(prefix)
            if not options:
                prefix = (*prefix, None)
                continue
            h, c = self.lstm(x, (h, c))
            rows = [self._rows[i][repr(option)] for option in options]
            log_p = self._logits(i, h)[rows].log_softmax(0)
            k = choose(i, options, log_p)
            log_probability = log_probability + log_p[k]
            entropy = entropy - (log_p.exp() * log_p).sum()
            x = self.embeddings[i](torch.tensor(rows[k : k + 1]))
            prefix = (*prefix, options[k])
            choices[decision.name] = options[k]
        return Walk(Architecture(self.domain.space, choices), log_probability, entropy)

    def _logits(self, i: int, h: Tensor) -> Tensor:
        """The logits ``(all options,)`` of a decision, from ``(1, hidden)``."""
        logits = self.heads[i](h)[0] / self.temperature
        if self.tanh_bound is None:
            return logits
        return self.tanh_bound * logits.tanh()
