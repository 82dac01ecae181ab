"""Teaching a network to answer: Lightning around `chatbot.model`, and everything that `chatbot fit` says and keeps.

loss.py       logits and targets -> a number to lower
module.py     the LightningModule: one shared step, optimizer, rate of learning
meter.py      tokens, time and loss, without making a GPU wait
curve.py      what each validation found
verdict.py    the curve in plain words
precision.py  which number format a device does well
folder.py     BOT.partial: what may be begun, gone on with, overwritten
recipes.py    configs/fit/*.yaml by name
parser.py     LightningCLI with our arguments and one-line errors
cli.py        `chatbot fit` on one page
publish.py    the best weights -> the bot folder
callbacks/    what happens beside the loop
"""
