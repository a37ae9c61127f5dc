"""The contracts of nasir's interfaces, as test cases that every implementation inherits.

    from nasir.testing import SearchSpaceContract

    class TestMySpace(SearchSpaceContract):
        def make(self):
            return MySpace(width=8)

pytest then runs every case of the contract. The built-in components pass the same ones.
"""

import pytest

MODULES = (
    *("components", "degradations", "evaluators", "fitting", "methods", "networks", "proxies"),
    *("spaces", "strategies", "tasks"),
)
pytest.register_assert_rewrite(*(f"nasir.testing.{name}" for name in MODULES))

from nasir.testing.degradations import DegradationContract  # noqa: E402
from nasir.testing.evaluators import EvaluatorContract  # noqa: E402
from nasir.testing.fitting import FittingMethodContract  # noqa: E402
from nasir.testing.methods import MethodContract  # noqa: E402
from nasir.testing.networks import NetworkContract  # noqa: E402
from nasir.testing.proxies import ProxyContract  # noqa: E402
from nasir.testing.spaces import SearchSpaceContract  # noqa: E402
from nasir.testing.strategies import StrategyContract  # noqa: E402
from nasir.testing.tasks import PatchesContract, TaskContract  # noqa: E402

__all__ = [
    "DegradationContract",
    "EvaluatorContract",
    "FittingMethodContract",
    "MethodContract",
    "NetworkContract",
    "PatchesContract",
    "ProxyContract",
    "SearchSpaceContract",
    "StrategyContract",
    "TaskContract",
]
