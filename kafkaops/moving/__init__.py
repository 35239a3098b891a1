"""Replicas on their way: which step comes next, how fast, what is lent for it, and how it is taken back.

The moves were approved with the plan; nothing here decides where a replica belongs. Sources: KIP-455 (reassignment), KIP-73 (throttles), KIP-542, KIP-860.
"""
