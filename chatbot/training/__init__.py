"""Teaching a network to answer: Lightning around `chatbot.model`, and everything that `chatbot fit` says and keeps.

cli.py        `chatbot fit` on one page
parser.py     LightningCLI with our arguments and one-line errors; arguments.py: what comes before it
banner.py     what is about to happen; console.py: where it is said; quiet.py: what others would say
folder.py     BOT.partial: what may be begun, gone on with, overwritten
origin.py     the bot that a training begins with
module.py     the LightningModule: one shared step
loss.py       what the network puts out and targets -> a number to lower, and its gradient
optimizer.py  AdamW and the rate of learning
guard.py      which steps would do harm
memory.py     when the device's memory ends
agree.py      what several devices must decide alike
precision.py  which number format a device does well
meter.py      tokens, time and loss, without making a GPU wait
curve.py      what each validation found
plots.py      the curve as a picture; logs.py: for other programs; verdict.py: in plain words
find_lr.py    which rate to try; profile.py: where the time goes
interrupt.py  Ctrl-C
publish.py    the best weights -> the bot folder
callbacks/    what happens beside the loop
"""
