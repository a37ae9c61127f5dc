# docker build -t nasir .
# docker run --rm -v "$PWD:/data" nasir restore photo.jpg
FROM python:3.11-slim
WORKDIR /nasir
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY nasir nasir
RUN pip install --no-cache-dir -c constraints.txt --extra-index-url https://download.pytorch.org/whl/cpu \
    "torch==2.13.0+cpu" . && rm -rf /nasir/build
WORKDIR /data
ENTRYPOINT ["nasir"]
CMD ["--version"]
