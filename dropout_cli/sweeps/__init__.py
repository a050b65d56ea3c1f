"""Many runs that end in evidence: what to train, training it in processes of its own, and what the runs say together.

`spec` reads what the user asked for, `plan` turns it into cells, `workers/` trains those that are missing, here or on
other machines, `comparison` compares them, and `run` is the line through all of it. `tuning/` searches.
"""
