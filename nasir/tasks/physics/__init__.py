"""The mathematics of degradations: cameras, rain, resampling, convolution, haze, light."""
