"""Training-free search: very many untrained architectures ranked by a proxy, under limits of size and speed."""
