"""A portal's names, texts and limits as data: the one place where they stand, and the lowest layer of all.

names        when two names are the same: if a person sees the same
vocabulary   the words that rules, mapping and texts share: handoffs, statuses, roles, kinds of task
schema       the mapping's shape;  load: read a file, report every problem at once with its line;  problems: their type
digest       whether two processes go by the same mapping
texts        tasks and emails from the mapping's templates;  richtext: HTML that people have pasted;  rehearsal: each
             template tried once when the mapping is loaded
creative_refresh.yaml, templates/   the packaged mapping
"""
