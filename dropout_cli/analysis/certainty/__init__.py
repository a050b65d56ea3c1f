"""How sure a network is: passes, selective prediction, shift, and strange examples."""
