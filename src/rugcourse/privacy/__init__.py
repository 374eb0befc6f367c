"""What people may ask of us, and what we do unasked.

What is kept, and why and until when (`inventory`, to read first); a copy of everything; being erased; being forgotten
in time; and what the law has us tell people and write down.
"""
