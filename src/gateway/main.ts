import { renameSync, writeFileSync } from 'node:fs'
import { pino } from 'pino'
import type { Logger } from '../lib/logger.ts'
import type { SettingSources } from '../lib/settings.ts'
import { limitYoungGeneration } from '../lib/young-generation.ts'
import { type GatewayConfig, readGatewayConfig } from './config.ts'
import { type RunningGateway, startGateway } from './gateway.ts'

/** Whatever is called so in a log line is not shown; the code does not log such things, this is the second wall (A17). */
const SECRETS = [
  'authorization',
  'token',
  'clientSecret',
  'client_secret',
  'ticket',
  'password',
  'sealedCredential',
]

/** A drain that hangs is ended. */
const STOP_LIMIT_MS = 30_000
const YOUNG_GENERATION_MIB = 16

/** `isthmus gateway`: runs until SIGTERM or SIGINT, drains, and gives the exit code. @throws SettingsError */
export async function runGateway(sources: SettingSources): Promise<number> {
  const config = readGatewayConfig(sources).values
  limitYoungGeneration(YOUNG_GENERATION_MIB)
  const logger = makeLogger(config)
  const gateway = await startGateway(config, { logger })
  if (config.readyFile) announce(gateway, config.readyFile)
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  logger.info({ signal }, 'draining')
  const limit = setTimeout(() => {
    logger.error({}, 'did not stop in time')
    process.exit(1)
  }, STOP_LIMIT_MS + config.drainGrace)
  limit.unref()
  await gateway.close()
  clearTimeout(limit)
  logger.info({}, 'stopped')
  return 0
}

function makeLogger(config: GatewayConfig): Logger {
  const paths = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`])
  return pino({ name: 'isthmus-gateway', level: config.logLevel, redact: { paths, censor: '[redacted]' } })
}

/** Whole at once, so that whoever waits for the file never reads half of it. */
function announce(gateway: RunningGateway, file: string): void {
  const { publicUrl, operatorUrl, caFile, operatorTokenFile } = gateway
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify({ publicUrl, operatorUrl, caFile, operatorTokenFile }, null, 2)}\n`)
  renameSync(draft, file)
}
