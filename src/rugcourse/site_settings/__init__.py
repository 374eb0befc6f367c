"""Settings that an owner changes in the browser: who sends the courses, and in which colours.

    model     the settings, and what they may be
    store     reading and saving them, with revisions and the audit log
    current   what applies now in this process: the environment's settings with these over them

A setting that the environment has (`RUGCOURSE_PRACTICE`) wins, and can't be changed in the browser.
"""

from rugcourse.site_settings.current import CurrentSite, Site
from rugcourse.site_settings.model import IN_ENVIRONMENT, SiteSettings

__all__ = ["IN_ENVIRONMENT", "CurrentSite", "Site", "SiteSettings"]
