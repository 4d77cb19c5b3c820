"""The demo from text to predictions, step by step."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from . import artifacts
from .corpus import Corpus, build_corpus
from .language_model import build_model, continue_prompt, log_probabilities
from .ngram import KneserNey, Unigram, perplexity
from .plot import HOW_TO_GET, learning_curve
from .progress import PerplexityTable
from .settings import Settings
from .text import CorpusError, read_documents, to_text
from .windows import Windows

INTERRUPTED = 130  # what a shell reports for a program ended by Ctrl-C


def run_demo(settings: Settings) -> int:
    """Train, compare, predict, save, load again; prints as it goes.

    Returns:
        0 when all was done, 130 when Ctrl-C ended the training (the model is saved).

    Raises:
        CorpusError: the text cannot be read or is too small.
    """
    import gatework

    began = time.perf_counter()
    if settings.threads is not None:
        gatework.runtime.set_num_threads(settings.threads)
    gatework.utils.set_random_seed(settings.seed)
    folder = Path(settings.output)
    if folder.exists() and not folder.is_dir():
        raise CorpusError(f"the output must be a folder, and {folder} is a file")

    corpus = build_corpus(
        read_documents(settings.text),
        minimum_count=settings.minimum_count,
        maximum_words=settings.maximum_words,
    )
    vocabulary = corpus.vocabulary
    describe(corpus, settings.text or "the Python reference manual (pydoc_data.topics)")
    rivals = score_counted_models(corpus)

    windows = Windows(
        corpus.train,
        vocabulary.end,
        settings.steps,
        settings.batch,
        settings.seed,
        settings.noise,
    )
    epochs = settings.epochs_for(windows.tokens)
    model = build_model(len(vocabulary), settings, updates=epochs * len(windows))
    print()
    model.summary()
    print()

    def validation_perplexity() -> float:
        return perplexity(log_probabilities(model, corpus.validation, vocabulary.end))

    table = PerplexityTable(windows.tokens, epochs, validation_perplexity, rivals)
    try:
        model.fit(windows, epochs=epochs, verbose=0, callbacks=[table])
    except KeyboardInterrupt:
        table.close()
        artifacts.save(model, vocabulary, folder)
        print(
            f"\ninterrupted in epoch {len(table.history) + 1} of {epochs}; what has been "
            f"learned so far is saved in {folder / artifacts.MODEL}"
        )
        return INTERRUPTED

    artifacts.save(model, vocabulary, folder)
    conclude(table.history[-1]["validation"], rivals)
    show_predictions(model, corpus, settings)
    print(f"\nsaved {folder / artifacts.MODEL} and {folder / artifacts.VOCABULARY}")
    same = check_fresh_process(model, corpus, settings, folder)
    if learning_curve(table.history, rivals, folder / artifacts.CURVE):
        print(f"learning curve: {folder / artifacts.CURVE}")
    else:
        print(HOW_TO_GET)
    print(f"{time.perf_counter() - began:.0f} s in all")
    return 0 if same else 1


def describe(corpus: Corpus, source: str) -> None:
    """Print the corpus statistics."""
    train, held = len(corpus.train), len(corpus.validation)
    print(f"text         {source}")
    print(
        f"documents    {corpus.documents:,}, in {corpus.paragraphs:,} paragraphs of prose "
        f"({corpus.duplicates:,} repeated ones left out)"
    )
    print(f"tokens       {train + held:,} words, numbers, punctuation marks and sentence ends")
    print(
        f"split        {train:,} for training, {held:,} for validation: every tenth of "
        f"{corpus.sections:,} sections, held out whole"
    )
    print(
        f"vocabulary   {len(corpus.vocabulary):,} words; outside it: "
        f"{corpus.unknown_rate_train:.1%} of training, {corpus.unknown_rate:.1%} of validation"
    )


def score_counted_models(corpus: Corpus) -> dict[str, float]:
    """Validation perplexity of the unigram and of the Kneser-Ney trigram."""
    size, end = len(corpus.vocabulary), corpus.vocabulary.end
    unigram = Unigram(corpus.train, size)
    trigram = KneserNey(corpus.train, size, order=3, padding=end)
    return {
        "unigram": perplexity(unigram.log_probabilities(corpus.validation)),
        "KN trigram": perplexity(trigram.log_probabilities(corpus.validation)),
    }


def conclude(lstm: float, rivals: dict[str, float]) -> None:
    """Print the result of the comparison, whichever way it went."""
    trigram = rivals["KN trigram"]
    change = lstm / trigram - 1
    verdict = f"{abs(change):.1%} {'below' if change < 0 else 'above'} the trigram's {trigram:.1f}"
    print(f"\nvalidation perplexity of the LSTM: {lstm:.1f}, {verdict}")


def show_predictions(model: Any, corpus: Corpus, settings: Settings) -> None:
    """Print the likeliest next words of each prompt and one continuation."""
    vocabulary = corpus.vocabulary
    rng = np.random.default_rng(settings.seed)
    for prompt in settings.prompts:
        top = artifacts.top_words(model, vocabulary, prompt)
        history = artifacts.prompt_numbers(vocabulary, prompt)
        drawn = continue_prompt(
            model, history, settings.continuation, rng, never=[vocabulary.unknown]
        )
        words = vocabulary.decode(drawn)
        print(f"\n{prompt} ...")
        print("   next:  " + "  ".join(f"{word} {p:.1%}" for word, p in top))
        print("   text:  " + to_text(prompt.split() + words).replace(" </s>", ""))


def check_fresh_process(model: Any, corpus: Corpus, settings: Settings, folder: Path) -> bool:
    """Load the saved model in a new process and compare its predictions with this one's."""
    here = artifacts.predictions(model, corpus.vocabulary, settings.prompts)
    there = artifacts.predictions_of_fresh_process(folder, settings.prompts)
    if here == there:
        print(f"loaded in a new process: the same predictions for {len(here)} prompts")
        return True
    print("loaded in a new process: the predictions differ", file=sys.stderr)
    return False
