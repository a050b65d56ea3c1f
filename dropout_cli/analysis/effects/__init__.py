"""Effects of dropout on a trained network: one study per file.

`heat_map` draws the activations under several rates. The other studies are about the trained network without noise:
`statistics` of its hidden activations, `ablation` of hidden units, the `filters` of the first layer, and `several_runs`
side by side.
"""
