"""From the prepared folder to tensors.

examples.py  token ids on disk, memory-mapped -> sources and targets
batches.py   which rows go together, and what a batch is
module.py    both behind Lightning's LightningDataModule
"""
