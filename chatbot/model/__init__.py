"""The network: torch and nothing else.

    config.py     sizes and kinds, and what contradicts what
    cell.py       the memories, readable: the reference of the fused kernels, and the decoder's single step
    gates.py      how open the gates of a memory were, for a look inside
    layer.py      a layer over a whole sequence: the fused kernel where there is one, else the cell unrolled
    dropout.py    between layers, of whole words
    encoder.py    embedded source -> one vector a position, and how the reading ended
    attention.py  where the decoder looks
    decoder.py    the whole target at once for training, one token at a time for search; the same weights
    seq2seq.py    all of it behind one embedding
    light.py      the same for search alone, on weights that are sooner read: of products (light_linear.py) and of
                  recurrent layers (light_layer.py)

Letters at the end of lines stand for sizes:

    N  rows of a batch (in a search N = B * K)      B  inputs of a batch       K  hypotheses of an input
    S  source positions                             T  target positions
    E  width of the embedding                       V  pieces in the vocabulary
    H  hidden units: of one direction in the encoder, of a layer in the decoder
    M  width of the memory: both directions of the encoder, 2 H of it    G  gates of a cell
"""
