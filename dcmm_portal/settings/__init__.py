"""Settings, one file per integration; every value from the environment (docs/configuration.md has the table)."""

from dcmm_portal.settings.base import *  # noqa: F403
from dcmm_portal.settings.celery import *  # noqa: F403
from dcmm_portal.settings.channels import *  # noqa: F403
from dcmm_portal.settings.database import *  # noqa: F403
from dcmm_portal.settings.logs import *  # noqa: F403
from dcmm_portal.settings.pages import *  # noqa: F403
from dcmm_portal.settings.rest import *  # noqa: F403
from dcmm_portal.settings.trading import *  # noqa: F403
from dcmm_portal.settings.unfold import *  # noqa: F403
