import { randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { pino } from 'pino'
import type { KubeTarget } from '../kube/index.ts'
import { loadOwnKubeconfig } from '../kube/kubeconfig/index.ts'
import { systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { SettingSources } from '../lib/settings.ts'
import { type AgentConfig, parseHostPort, parseLabels, readAgentConfig } from './config.ts'
import { type ClientIdentity, openClientIdentity } from './identity/node-identity.ts'
import { followCertificate } from './kubelet/follow-certificate.ts'
import { parseModules } from './modules.ts'
import { type AgentOptions, startAgent } from './start.ts'
import { AGENT_VERSION } from './version.ts'

const readText = (path: string | undefined) => (path === undefined ? undefined : readFile(path, 'utf8'))

async function certificateOf(config: AgentConfig): Promise<{ cert: string; key: string } | undefined> {
  const [cert, key] = await Promise.all([readText(config.kubeletCert), readText(config.kubeletKey)])
  return cert !== undefined && key !== undefined ? { cert, key } : undefined
}

async function optionsOf(config: AgentConfig, user: KubeTarget): Promise<AgentOptions> {
  const { clientSecret, clientSecretFile } = config
  return {
    nodeName: config.nodeName,
    instance: `${hostname()}-${randomUUID().slice(0, 8)}`,
    nodeIp: config.nodeIp,
    user,
    gateway: {
      url: config.gateway,
      ca: await readText(config.gatewayCa),
      clientId: config.clientId,
      clientSecret: async () => clientSecret ?? (await readFile(clientSecretFile ?? '', 'utf8')).trim(),
    },
    kubelet: {
      host: config.kubeletHost,
      port: config.kubeletPort,
      certificate: await certificateOf(config),
      certificateDir: config.certificateDir,
      clientCa: await readText(config.kubeletClientCa),
    },
    staticPeriodMs: config.staticPeriod,
    clusterDns: config.clusterDns?.length
      ? { servers: config.clusterDns, domain: config.clusterDomain }
      : undefined,
    podApiServer: config.podApiServer ? parseHostPort(config.podApiServer, 'pod-api-server') : undefined,
    declaredFeatures: config.webSockets ? ['ExtendWebSocketsToKubelet'] : [],
    nodeLabels: parseLabels(config.nodeLabels),
    modules: parseModules(config.modules),
    taint: config.taint,
  }
}

/** The node's certificate, where the agent asks for one; waits until the cluster has approved it. */
async function identityOf(
  config: AgentConfig,
  bootstrap: KubeTarget,
  deps: { logger: Logger; signal: AbortSignal },
): Promise<ClientIdentity | undefined> {
  const { certificateDir: directory, nodeName } = config
  if (directory === undefined) return undefined
  const userAgent = `isthmus-agent/${AGENT_VERSION}`
  const time = { clock: systemClock, random: Math.random }
  return openClientIdentity({ directory, nodeName, bootstrap, userAgent, ...time, ...deps })
}

/**
 * `isthmus agent`: runs until SIGTERM or SIGINT, then gives the writer lease back and the exit code.
 * @throws SettingsError, IsthmusError invalid for a kubeconfig that can not be used
 */
export async function runAgent(sources: SettingSources): Promise<number> {
  const config = readAgentConfig(sources).values
  const logger = pino({ name: 'isthmus-agent', level: config.logLevel }) as Logger
  if (config.clientSecret === undefined && config.clientSecretFile === undefined) {
    throw new Error('--client-secret-file (or ISTHMUS_CLIENT_SECRET_FILE) is required')
  }
  const own = await loadOwnKubeconfig({ path: config.kubeconfig, env: sources.env ?? {} })
  const stopping = new AbortController()
  const identity = await identityOf(config, own.target, { logger, signal: stopping.signal })
  const options = await optionsOf(config, identity?.target ?? own.target)
  const agent = await startAgent(options, { clock: systemClock, logger, random: Math.random })
  const { nodeName } = options
  const { kubeletPort } = agent
  logger.info({ nodeName, kubeletPort }, 'the agent runs')
  identity?.run().catch((error) => {
    if (!stopping.signal.aborted) logger.error({ err: error }, 'the renewal of the node’s certificate ended')
  })
  if (config.readyFile) {
    // Whole at once: who waits for the file reads it as soon as it is there.
    await writeFile(`${config.readyFile}.part`, JSON.stringify({ nodeName, kubeletPort }))
    await rename(`${config.readyFile}.part`, config.readyFile)
  }
  const stopFollowing = followCertificate(config, (cert, key) => agent.setCertificate(cert, key), logger)
  const signal = await new Promise<NodeJS.Signals>((done) => {
    process.once('SIGTERM', done)
    process.once('SIGINT', done)
  })
  logger.info({ signal }, 'stopping')
  stopFollowing()
  await agent.stop()
  stopping.abort(new Error('the agent stops'))
  await identity?.close()
  return 0
}
