"""A formula as people read it.

In: a tree. Out: one line of plain characters (`pretty`), LaTeX and MathML (`mathematics`), plain English (`words`),
which term of a sum only breaks ties (`ties`), and all of it with the simplified tree in one object (`formula.Formula`).
What an operation looks like is declared where its primitive registers.
"""
