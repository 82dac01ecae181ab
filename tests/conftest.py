import torch

# Tests run beside one another; two thread pools on the same cores wait for each other.
torch.set_num_threads(1)
