"""Parses and validates courses: Markdown files with front matter become typed values."""

from rugcourse.content.errors import AuthoringErrors, Problem
from rugcourse.content.loader import find_courses, load_course, load_courses
from rugcourse.content.model import (
    Course,
    CourseText,
    FurtherReading,
    KnowledgeTest,
    Lesson,
    LessonText,
    Message,
    MessageText,
    Option,
    Question,
    SafetyNotice,
    Tile,
)

__all__ = [
    "AuthoringErrors",
    "Course",
    "CourseText",
    "FurtherReading",
    "KnowledgeTest",
    "Lesson",
    "LessonText",
    "Message",
    "MessageText",
    "Option",
    "Problem",
    "Question",
    "SafetyNotice",
    "Tile",
    "find_courses",
    "load_course",
    "load_courses",
]
