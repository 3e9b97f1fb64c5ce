from threading import Thread

from hypothesis import given
from hypothesis import strategies as st

from bot.openrouter.rate_limiter import RateLimiter


class Time:
    """A clock that only waiting and arriving move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@given(st.lists(st.floats(0, 70), max_size=200), st.integers(1, 64))
def test_no_minute_sees_more_starts_than_allowed_whenever_requests_come(pauses, most):
    time = Time()
    limiter = RateLimiter(most, time.wait, time)
    starts = []
    for pause in pauses:
        time.now += pause
        limiter.take()
        starts.append(time.now)
    pairs = zip(starts, starts[most:], strict=False)
    assert all(later - earlier >= 60 - 1e-9 for earlier, later in pairs)


@given(st.lists(st.floats(0, 70), max_size=100))
def test_nobody_waits_who_need_not(pauses):
    time = Time()
    limiter = RateLimiter(60, time.wait, time)
    starts = []
    for pause in pauses:
        time.now += pause
        came = time.now
        limiter.take()
        in_the_last_minute = [start for start in starts if came - start < 60]
        if len(in_the_last_minute) < 60:
            assert time.now == came
        starts.append(time.now)


def test_threads_that_come_at_once_are_dealt_out_over_the_minutes():
    waited = []
    limiter = RateLimiter(60, waited.append, lambda: 0.0)
    threads = [Thread(target=lambda: [limiter.take() for _ in range(25)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waited) == [60.0] * 60 + [120.0] * 60 + [180.0] * 20
