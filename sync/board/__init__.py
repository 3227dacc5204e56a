"""The board: pages for those who run the process, over what passes have kept in the database.

`app` puts them together; `access` says who may see them, `throttle` slows down whoever guesses; `pages` are the pages,
each with its template; `words` writes moments and durations; `server` listens. Nothing here calls the CRM or decides
anything, and the receiver's address serves none of it.
"""
