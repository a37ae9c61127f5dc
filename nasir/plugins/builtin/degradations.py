"""The degradations that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register

DEGRADATIONS = (
    ("gaussian", "gaussian:Gaussian", "white Gaussian noise"),
    ("poisson", "poisson:Poisson", "photon noise"),
    ("camera", "camera_noise:CameraNoise", "shot and read noise with a camera's processing"),
    ("real_camera", "real_camera:RealCamera", "all that a camera adds, drawn for each picture"),
    ("rain", "rain:Rain", "streaks of rain"),
    ("jpeg", "jpeg:Jpeg", "JPEG compression"),
    ("mask", "mask:Mask", "missing pixels"),
    ("bicubic", "downsampling:Bicubic", "bicubic downsampling"),
    ("lanczos2", "downsampling:Lanczos2", "Lanczos-2 downsampling"),
    ("blur", "blur:GaussianBlur", "Gaussian blur"),
    ("motion_blur", "blur:MotionBlur", "blur along a line"),
    ("kernel_blur", "blur:KernelBlur", "blur with the kernel in a picture file"),
)


@hookimpl
def register_degradations(register: Register) -> None:
    for name, target, summary in DEGRADATIONS:
        register(name, f"nasir.tasks.degradations.{target}", summary)
