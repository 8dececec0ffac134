"""Between our requests and vLLM's: prompts to checked token ids, sampling, token ids to exact text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from clinsynth.engine.config import Sampling
from clinsynth.engine.request import (
    Completion,
    FinishReason,
    RefusedRequestError,
    Request,
    TokenLogprob,
)
from clinsynth.tokens.tokenizer import NoteTokenizer

TRIAL: Final = Sampling(temperature=0, max_tokens=1, ignore_end=True)
"""One token, behind ``TRIAL_PROMPT``: so much a started engine must be able to do. Some failures show in
the first step only, such as a size of attention heads that the device's kernels lack.
"""
TRIAL_PROMPT: Final = (0,) * 8
"""Token 0, which every vocabulary has, several times: on a processor with AMX a process must ask for its
registers, which the matrix products of eight tokens do and those of four do not. vLLM's attention uses them
unasked, and a short first prompt would end the process (SIGILL)."""


class Translator:
    """Knows one model's tokenizer and its longest sequence.

    Args:
        tokenizer: the model folder's own. ``transformers`` may make another one of it: for a model of type
            qwen2 it puts Qwen's rules in the place of those that the file holds.
        vocabulary: rows of the model's embedding; larger ids would crash the engine.
        max_model_len: tokens of prompt and answer together.
    """

    def __init__(self, tokenizer: NoteTokenizer, vocabulary: int, max_model_len: int) -> None:
        self._tokenizer, self._vocabulary, self._max_len = tokenizer, vocabulary, max_model_len

    def prompt_ids(self, request: Request) -> list[int]:
        """Token ids of the prompt. No token is added: the template brings all it needs.

        Raises:
            RefusedRequestError: the prompt is empty or too long, or ``max_tokens`` does not fit behind it.
        """
        prompt = request.prompt
        if isinstance(prompt, str):
            # Special tokens count as such: who puts outside text into a prompt neutralises it first.
            ids = self._tokenizer.encode(prompt)
        else:
            ids = list(prompt)
            if any(not 0 <= i < self._vocabulary for i in ids):
                raise RefusedRequestError("prompt", f"holds a token id outside 0 to {self._vocabulary - 1}")
        if not ids:
            raise RefusedRequestError("prompt", "is empty")
        room = self._max_len - len(ids)
        if room < 1:
            raise RefusedRequestError(
                "prompt", f"has {len(ids)} tokens; the model reads at most {self._max_len - 1}"
            )
        wanted = request.sampling.max_tokens
        if wanted is not None and wanted > room:
            raise RefusedRequestError(
                "max_tokens",
                f"is {wanted}; behind the prompt's {len(ids)} tokens the model has room for {room}",
            )
        return ids

    def sampling_params(
        self, sampling: Sampling, *, n: int, delta: bool = False, logprobs: int | None = None
    ) -> Any:
        """The form that vLLM takes. Special tokens stay in the text, and no spaces are put between them."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        stop_ids = list(sampling.stop_token_ids)
        if not sampling.ignore_end:
            stop_ids.append(self._tokenizer.end_id)
        return SamplingParams(
            n=n,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            min_p=sampling.min_p,
            max_tokens=sampling.max_tokens,
            seed=sampling.seed,
            logprobs=logprobs,
            stop=list(sampling.stop),
            stop_token_ids=stop_ids,
            ignore_eos=sampling.ignore_end,
            # whole answers are decoded here, at once; vLLM's text is needed to stream and to find strings
            detokenize=delta or bool(sampling.stop),
            skip_special_tokens=False,
            spaces_between_special_tokens=False,
            include_stop_str_in_output=delta and not sampling.stop,
            output_kind=RequestOutputKind.DELTA if delta else RequestOutputKind.FINAL_ONLY,
        )

    def completion(self, request: Request, index: int, output: Any, prompt_tokens: int) -> Completion:
        """A finished answer; ``output`` is vLLM's ``CompletionOutput``."""
        seed = request.sampling.seed
        return Completion(
            id=request.id,
            index=index,
            text=self._text(output),
            token_ids=tuple(output.token_ids),
            finish_reason=finish_reason(output),
            prompt_tokens=prompt_tokens,
            error=None if finish_reason(output) != "error" else "the engine gave the request up",
            seed=None if seed is None else seed + index,
            logprobs=self.logprobs(request, output),
        )

    def logprobs(self, request: Request, output: Any) -> tuple[TokenLogprob, ...]:
        """One for each token of ``output``, where the request asked for them."""
        if request.logprobs is None or not output.logprobs:
            return ()
        return tuple(
            TokenLogprob(
                self.decode([token_id]),
                _finite(found[token_id].logprob),
                tuple(
                    (self.decode([other]), _finite(one.logprob))
                    for other, one in sorted(found.items(), key=lambda item: item[1].rank or 0)
                    if one.rank is not None and one.rank <= request.logprobs
                ),
            )
            for token_id, found in zip(output.token_ids, output.logprobs, strict=True)
        )

    def _text(self, output: Any) -> str:
        if isinstance(output.stop_reason, str):
            return str(output.text)  # cut before the stop string
        return self.decode(output.token_ids)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of the tokens, all special tokens in it and nothing tidied up."""
        return self._tokenizer.decode(token_ids)


def _finite(logprob: float) -> float:
    # of a token that cannot be: JSON has no infinity; OpenAI's number for it
    return max(logprob, -9999.0)


def finish_reason(output: Any) -> FinishReason:
    """``stop`` or ``length``; all else that vLLM may say (abort, error, repetition) is an ``error``."""
    reason = output.finish_reason
    return reason if reason in ("stop", "length") else "error"


def refused(request: Request, index: int, error: RefusedRequestError) -> Completion:
    """The answer to a request that cannot be run."""
    return Completion(
        id=request.id, index=index, text="", token_ids=(), finish_reason="error", error=str(error)
    )


def refusal_by_vllm(error: Exception) -> RefusedRequestError:
    """A refusal of vLLM in our words: its messages may quote the prompt."""
    field = getattr(error, "parameter", None) or "request"
    return RefusedRequestError(str(field), f"vLLM refused it ({type(error).__name__})")
