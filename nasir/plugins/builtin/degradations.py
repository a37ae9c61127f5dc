"""The degradations that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register

FOLDER = "nasir.tasks.degradations"


@hookimpl
def register_degradations(register: Register) -> None:
    register("gaussian", f"{FOLDER}.gaussian:Gaussian", "white Gaussian noise")
    register("poisson", f"{FOLDER}.poisson:Poisson", "photon noise")
    register(
        "camera", f"{FOLDER}.camera_noise:CameraNoise", "shot and read noise behind a camera's lens"
    )
