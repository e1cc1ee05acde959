"""What a command found, as CI systems take it.

`model` says it neutrally, `access` and `stack` gather it, `places` finds the line to show it at, `sarif` and `junit` write it.
"""
