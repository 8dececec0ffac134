"""What a training run needs, before a cluster is booked: memory, traffic, time, and the layouts that fit.

Arithmetic on the run's config: no process, no GPU, no corpus, and no library that takes seconds to load.
docs/decisions/031 says what is counted and what is not.
"""
