"""Holder: the process that holds a resource of the machine for a fault, and with whose end the fault is over.

What it holds (processor time, memory, the blocks of a file that has no name) is the kernel's to take back, so that
nothing is left behind however it ends. Five things end it:

the injector heals      SIGKILL, found by the fault's name in its command line
the injector dies       SIGKILL by the kernel (`flashcrowd.lifeline`)
the reverter heals      SIGKILL, also when the injector is stopped
its time is up          SIGALRM by the kernel, from a timer that is set before anything is held
memory runs out         the kernel takes it before any other process (oom_score_adj 1000)

Modules here import the standard library alone: a holder is there in some 30 ms.
"""
