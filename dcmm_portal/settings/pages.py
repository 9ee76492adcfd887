"""Pages: static files without a build step, who may read the metrics."""

from dcmm_portal.environment import env

# Files are served from where they lie (static/ and the libraries' own), so that nothing has to be collected first.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = env.int("STATIC_MAX_AGE_S", 300)
# What is vendored carries its version in its path and never changes there.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/vendor/"
# A bearer token for /metrics. Without one, only this machine may read it (figures there are finer than the public's).
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
