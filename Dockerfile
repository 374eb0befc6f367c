# The version is exact. To be certain of the bytes too, add the digest that your registry shows: see docker-compose.yml.
FROM python:3.12.12-slim-bookworm AS build
WORKDIR /src
COPY requirements-tools.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements-tools.lock
COPY . .
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.12.12-slim-bookworm
RUN useradd --create-home --uid 10001 rugcourse
WORKDIR /home/rugcourse
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-deps /wheels/*.whl && rm -r /wheels
RUN install --directory --owner rugcourse --mode 700 var var/withdrawals
USER rugcourse
EXPOSE 8000
CMD ["rugcourse", "serve"]
