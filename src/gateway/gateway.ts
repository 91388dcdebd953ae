import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, isIP, type Socket } from 'node:net'
import { hostname } from 'node:os'
import path from 'node:path'
import type { FastifyInstance } from 'fastify'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { startEmbeddedPostgres } from '../postgres/index.ts'
import { buildOperatorApp } from './admin.ts'
import { buildPublicApp } from './app.ts'
import { bootstrapOperator } from './bootstrap.ts'
import type { GatewayConfig } from './config.ts'
import { readMasterKeys } from './dev/master-key.ts'
import type { HealthCheck } from './routes/health/index.ts'
import { makeServices, type Services } from './services.ts'
import { type Database, openDatabase } from './store/database.ts'
import { migrate } from './store/migrate.ts'
import { followTls, readTls, type TlsFiles } from './tls.ts'

export interface GatewayDeps {
  logger: Logger
  clock?: Clock
}

export interface RunningGateway {
  publicUrl: string
  operatorUrl: string
  /** PEM of `--dev`'s own CA; undefined where certificates come from outside. */
  ca: string | undefined
  caFile: string | undefined
  /** With `--dev`: the first operator's token. */
  operatorTokenFile: string | undefined
  services: Services
  /** Drains, then closes everything. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts a gateway: database, migrations, everything behind the faces, both listeners. Several may run in one
 * process (tests do).
 * @throws Error when the configuration can not be used; unavailable without a database
 */
export async function startGateway(config: GatewayConfig, deps: GatewayDeps): Promise<RunningGateway> {
  const { logger, clock = systemClock } = deps
  const undo: (() => unknown)[] = []
  const unwind = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const database = await openOwnDatabase(config, logger, undo)
    await migrate({ database, logger })
    const masterKeys = readMasterKeys(config)
    const services = await makeServices({ config, masterKeys, database, clock, logger })
    undo.push(() => services.close())

    const files = await tlsFiles(config)
    const tls = files && readTls(files)
    if (!tls) logger.warn({}, 'serving plain HTTP: a proxy in front has to do TLS')
    let draining = false
    const checks = healthChecks(services, database, () => draining)
    const publicApp = await buildPublicApp({ services, tls, checks })
    const operatorApp = await buildOperatorApp({ services, tls, checks })
    undo.push(closer(publicApp, config.drainGrace), closer(operatorApp, config.drainGrace))
    if (files) undo.push(followTls(files, [publicApp, operatorApp], logger))

    const operatorTokenFile = config.dev ? await firstOperator(config, services) : undefined
    const scheme = tls ? 'https' : 'http'
    const publicUrl = await listen(publicApp, scheme, config.publicHost, config.publicPort)
    const operatorUrl = await listen(operatorApp, scheme, config.operatorHost, config.operatorPort)
    undo.push(async () => {
      draining = true
      await services.sessions.drain(config.drainGrace)
    })
    const caFile = files?.caFile
    logger.info({ publicUrl, operatorUrl, caFile, replica: services.replicaId }, 'the gateway is up')
    return {
      publicUrl: config.publicUrl ?? publicUrl,
      operatorUrl,
      ca: caFile && readFileSync(caFile, 'utf8'),
      caFile,
      operatorTokenFile,
      services,
      close: unwind,
    }
  } catch (error) {
    await unwind()
    throw error
  }
}

async function openOwnDatabase(
  config: GatewayConfig,
  logger: Logger,
  undo: (() => unknown)[],
): Promise<Database> {
  let url = config.databaseUrl
  if (url === undefined) {
    const dataDir = path.resolve(config.dataDir, 'postgres')
    const embedded = await startEmbeddedPostgres({ dataDir, logger })
    undo.push(() => embedded.stop())
    url = embedded.url
  }
  const database = openDatabase({ url, logger, poolSize: config.poolSize })
  undo.push(() => database.close())
  return database
}

async function tlsFiles(config: GatewayConfig): Promise<(TlsFiles & { caFile?: string }) | undefined> {
  if (config.insecureHttp) return undefined
  if (config.tlsCert && config.tlsKey) return { certFile: config.tlsCert, keyFile: config.tlsKey }
  const bound = [config.publicHost, config.operatorHost].filter((host) => host !== '0.0.0.0' && host !== '::')
  const names = ['localhost', '127.0.0.1', '::1', hostname(), ...bound, ...config.tlsNames]
  // Only here: the packages that make certificates cost 20 MB, which nobody but --dev should pay.
  const { devCertificates } = await import('./dev/certificates.ts')
  return devCertificates(path.resolve(config.dataDir, 'tls'), names)
}

/** With `--dev` the first operator's token lies in the data directory, readable by its owner alone. */
async function firstOperator(config: GatewayConfig, { operators }: Services): Promise<string | undefined> {
  const file = path.resolve(config.dataDir, 'operator.token')
  const token = await bootstrapOperator(operators)
  if (token !== undefined) {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 })
    writeFileSync(file, `${token}\n`, { mode: 0o600 })
  }
  return existsSync(file) ? file : undefined
}

async function listen(app: FastifyInstance, scheme: string, host: string, port: number): Promise<string> {
  await app.listen({ host, port })
  const { port: bound } = app.server.address() as AddressInfo
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `${scheme}://${isIP(shown) === 6 ? `[${shown}]` : shown}:${bound}`
}

/**
 * Closes a listener: no new connections, requests under way may end within the grace, then what is left (watches,
 * streams that did not let go) is cut.
 */
function closer(app: FastifyInstance, graceMs: number): () => Promise<void> {
  const sockets = new Set<Socket>()
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  // Under TLS both the bare and the secured socket are announced; either ends the other.
  app.server.on('connection', track)
  return async () => {
    const cut = setTimeout(() => {
      for (const socket of sockets) socket.destroy()
    }, graceMs)
    await app.close()
    clearTimeout(cut)
  }
}

/** design.md §4: without Postgres a replica goes on serving what it can, and says that it is degraded. */
function healthChecks(services: Services, database: Database, draining: () => boolean): HealthCheck[] {
  return [
    { name: 'draining', check: () => (draining() ? 'failed' : 'ok') },
    { name: 'directory', check: () => (services.directory.staleSinceMs() === undefined ? 'ok' : 'degraded') },
    {
      name: 'database',
      check: () =>
        database.query('select 1').then(
          () => 'ok' as const,
          () => 'degraded' as const,
        ),
    },
    { name: 'signing-keys', check: () => (services.keyring.publicKeys().length > 0 ? 'ok' : 'failed') },
  ]
}
