"""What readers and admins of the sample data wrote. Text of a reader is in their own language; admins write Dutch."""

from __future__ import annotations

from rugcourse.content import Message, MessageText

AB_SUBJECTS = {"nl": "Voelt je rug een drukke week?", "en": "Does your back feel a busy week?"}

# Lesson → language → remarks of its readers, and whether it helped them.
REMARKS: dict[str, dict[str, tuple[tuple[bool, str], ...]]] = {
    "welkom": {
        "nl": (
            (True, "Fijn dat het kort is. Ik lees het bij de koffie."),
            (True, "Eindelijk uitleg die ik snap."),
        ),
        "en": ((True, "Short and clear. I read it on the train."),),
    },
    "overbelasting": {
        "nl": (
            (True, "Het voorbeeld met de klus half zo lang doen heb ik meteen geprobeerd."),
            (False, "Ik til de hele dag op mijn werk. Halveren gaat niet, wat kan ik dan doen?"),
        ),
        "en": ((True, "I always thought pain meant damage. Good to know it doesn't."),),
    },
    "onderbelasting": {
        "nl": ((True, "De wekker werkt! Ik loop nu elk uur even naar de printer."),),
        "en": ((False, "I sit in a van all day. More ideas for drivers would be nice."),),
    },
    "stress": {
        "nl": (
            (True, "Heel herkenbaar. Mijn schouders zaten bij mijn oren."),
            (True, "De ademoefening doe ik nu elke avond."),
        ),
        "en": ((True, "Made me laugh, because it is so true of my week."),),
    },
    "zonder-oorzaak": {
        "nl": ((False, "Ik had gehoopt dat er wel iets te vinden was. Toch goed om te lezen."),),
        "en": ((True, "Reassuring. I had three scans and never got this explained."),),
    },
    "specifieke-oorzaak": {
        "nl": ((True, "Duidelijk wanneer ik moet bellen. Lijst hangt op de koelkast."),),
        "en": ((True, "Clear list. I have saved it on my phone."),),
    },
    "meer-oorzaken": {
        "nl": ((True, "Slaap is bij mij het grootste punt. Daar ga ik mee beginnen."),),
        "en": ((False, "14 things is a lot. A shorter list would help."),),
    },
    "meerdere-oorzaken": {
        "nl": ((True, "Mijn man heeft de rondjes ook getekend."),),
        "en": ((True, "The three stories helped me see my own mix."),),
    },
    "afronding": {
        "nl": (
            (True, "Bedankt! Ik durf weer te tuinieren."),
            (True, "Jammer dat het voorbij is. Komt er nog een cursus?"),
        ),
        "en": ((True, "Thank you. I am back to swimming twice a week."),),
    },
    "kringloop": {"nl": ((True, "Precies wat er bij mij gebeurt."),), "en": ((True, "The circle makes sense to me."),)},
    "herkennen": {"nl": ((True, "Ik klem mijn kaken, dat wist ik niet."),), "en": ((True, "Useful, thanks."),)},
    "afremmen": {"nl": ((True, "Kleine stapjes, dat houd ik vol."),), "en": ((True, "I will try the evening walk."),)},
}

OPEN_EVENING = Message(
    texts={
        "nl": MessageText(
            title="Kom naar onze open avond",
            subject="Kom je naar de open avond over rugpijn?",
            preheader="Stel je vragen aan onze fysiotherapeuten, met koffie erbij.",
            body=(
                "Heb je na de cursus nog vragen? Kom dan naar de open avond in onze oefenzaal. "
                "Je hoeft je niet aan te melden.\n\n[Bekijk het programma](https://example.org/open-avond)"
            ),
        ),
        "en": MessageText(
            title="Come to our open evening",
            subject="Will you join the open evening about back pain?",
            preheader="Ask our physiotherapists your questions, over coffee.",
            body=(
                "Do you have questions after the course? Come to the open evening in our exercise hall. "
                "You don't need to register.\n\n[See the programme](https://example.org/open-evening)"
            ),
        ),
    }
)

WALKING_GROUP = Message(
    texts={
        "nl": MessageText(
            title="Loop je mee?",
            subject="Loop je mee met onze wandelgroep?",
            preheader="Elke donderdag een rustig rondje, in je eigen tempo.",
            body=(
                "Je hebt de cursus afgerond. Wil je in beweging blijven? Loop dan op donderdag mee. "
                "We lopen een rustig rondje, ieder in zijn eigen tempo.\n\n"
                "[Lees waar we verzamelen](https://example.org/wandelgroep)"
            ),
        ),
        "en": MessageText(
            title="Join our walking group",
            subject="Will you join our walking group?",
            preheader="A gentle walk every Thursday, at your own pace.",
            body=(
                "You completed the course. Do you want to keep moving? Walk with us on Thursdays. "
                "It’s a gentle walk, and everyone goes at their own pace.\n\n"
                "[Read where we meet](https://example.org/walking-group)"
            ),
        ),
    }
)
