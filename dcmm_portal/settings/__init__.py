"""Settings, one file per integration; every value from the environment (docs/configuration.md has the table)."""

from dcmm_portal.settings.access import *
from dcmm_portal.settings.base import *
from dcmm_portal.settings.caches import *
from dcmm_portal.settings.celery import *
from dcmm_portal.settings.channels import *
from dcmm_portal.settings.database import *
from dcmm_portal.settings.logs import *
from dcmm_portal.settings.pages import *
from dcmm_portal.settings.rest import *
from dcmm_portal.settings.trading import *
from dcmm_portal.settings.unfold import *
