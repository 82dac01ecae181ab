"""What happens beside the training loop.

averaging.py  a running mean of the weights, lent to validations
progress.py   the bar, and a look now and then whether the loss is still a number
recorder.py   each validation -> a point of the curve, a line for people; replies to the same prompts
pace.py       validation after so many minutes at the latest; early stopping that a resume can change
keeper.py     checkpoints and best weights
"""
