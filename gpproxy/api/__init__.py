"""What `import gpproxy` offers beside the verbs: discover, load_run, load_proxy, load_generator. For notebooks and "
"scripts."""
