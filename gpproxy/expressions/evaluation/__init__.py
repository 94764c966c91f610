"""The values of a whole population on all architectures at once.

In: trees and a statistics table. Out: `tree x architecture` scores, by `evaluate.Evaluator`. `graph` finds the
distinct subtrees, `schedule` their order, `layout` which layers meet, `apply` one operation on all of them, `run` and
`cache` keep to a memory budget. Knows nothing of rewriting and notation.
"""
