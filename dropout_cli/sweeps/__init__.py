"""Many runs that end in evidence: what to train, training it in processes of its own, and what the runs say together.

`document` reads what the user asked for, `plan` turns it into cells, `workers` trains those that are missing here, and
`cluster` on other machines, `evidence` compares them, and `conduct` is the line through all of it.
"""
