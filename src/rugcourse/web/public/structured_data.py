"""Describes a course to search engines in the words of schema.org (JSON-LD), as Google documents it for courses.

https://developers.google.com/search/docs/appearance/structured-data/course-info
"""

from __future__ import annotations

from collections.abc import Mapping

from rugcourse.content import Course
from rugcourse.emails.branding import Branding
from rugcourse.links import Links

LESSON_MINUTES = 3  # as the pages say


def course_data(course: Course, language: str, branding: Branding, links: Links) -> Mapping[str, object]:
    """Return a `Course`, to be written into its page as JSON.

    What a course costs is said twice: `isAccessibleForFree` is what schema.org has for it, `offers` what Google
    requires.
    """
    text = course.texts[language]
    author = branding.author_of(course)
    provider = {"@type": "Organization", "name": branding.practice, "url": links.base_url}
    return {
        "@context": "https://schema.org",
        "@type": "Course",
        "name": text.title,
        "description": text.tagline,
        "url": links.course(language, course.slug),
        "image": links.share_picture(language, course.slug),
        "inLanguage": language,
        "teaches": list(text.summary),
        "isAccessibleForFree": True,
        "provider": provider,
        "author": {
            "@type": "Person",
            "name": author.name,
            "description": author.line(language),
            "worksFor": provider,
        },
        "offers": {"@type": "Offer", "category": "Free"},
        "hasCourseInstance": {
            "@type": "CourseInstance",
            "courseMode": "Online",
            "courseWorkload": f"PT{len(course.lessons) * LESSON_MINUTES}M",  # ISO 8601
            "inLanguage": language,
        },
    }
