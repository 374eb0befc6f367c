"""Mails before they are sent: samples, what is wrong with them, what SpamAssassin makes of them."""
