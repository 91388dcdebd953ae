import type { Command } from 'commander'
import type { KubeClient } from '../../kube/index.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { type ConnectionOptions, readText, withClient, withConnection } from '../connection.ts'
import type { Finding } from '../doctor/finding.ts'
import type { CliEnvironment } from '../environment.ts'
import { CommandEnded, exitCodes } from '../exit-codes.ts'
import { printable } from '../output/table.ts'

interface Options extends ConnectionOptions {
  gateway?: string
  gatewayCa?: string
  kubeconfig?: string
  context?: string
  node?: string
  dataPlaneKubeconfig?: string
}

/** `isthmus doctor`: checks what it is given access to, and says what to fix. */
export function doctorCommand(program: Command, environment: CliEnvironment): void {
  withConnection(program.command('doctor'))
    .description('check a set-up and say what to fix; every part is optional, at least one is needed')
    .option('--gateway <url>', 'public listener of the gateway [env: ISTHMUS_GATEWAY]')
    .option('--gateway-ca <path>', 'its CA certificate, PEM; otherwise that of --ca')
    .option('--kubeconfig <path>', 'of the user’s cluster: its Nodes, DaemonSets, certificates and ranges')
    .option('--context <name>', 'context in it')
    .option('--node <name>', 'this Node of the user’s cluster; otherwise every virtual node there')
    .option('--data-plane-kubeconfig <path>', 'of the data plane: compare the pod ranges')
    .option('-o, --output <format>', 'text or json', 'text')
    .addHelpText(
      'after',
      '\nExit code 1 when a check fails; warnings do not count.\n\nExamples:\n  isthmus doctor --gateway https://gateway:8443 --gateway-ca ca.crt\n  isthmus doctor --kubeconfig ~/.kube/config --node east -o json',
    )
    .action(async (options: Options) => {
      const format = options.output ?? 'text'
      if (format !== 'text' && format !== 'json') {
        throw new IsthmusError('bad_request', `-o ${format}: one of text, json`)
      }
      const findings = await examine(environment, options)
      if (findings.length === 0) {
        throw new IsthmusError('bad_request', 'Nothing to check: give --gateway, --server or --kubeconfig')
      }
      const text = format === 'json' ? JSON.stringify({ findings }, undefined, 2) : render(findings)
      environment.stdout.write(`${text}\n`)
      if (findings.some(({ state }) => state === 'fail')) throw new CommandEnded(exitCodes.failure)
    })
}

async function examine(environment: CliEnvironment, options: Options): Promise<Finding[]> {
  const { env } = environment
  const findings: Finding[] = []
  const gateway = urlOf(options.gateway ?? env['ISTHMUS_GATEWAY'], '--gateway')
  const caFile = options.ca ?? env['ISTHMUS_CA']
  const ca = caFile === undefined ? undefined : readText(caFile, '--ca')
  const { checkListener } = await import('../doctor/listener.ts')
  const { now } = environment
  if (gateway !== undefined) {
    const own = options.gatewayCa === undefined ? ca : readText(options.gatewayCa, '--gateway-ca')
    findings.push(...(await checkListener({ subject: 'gateway', url: gateway, ca: own, now })))
  }
  const server = urlOf(options.server ?? env['ISTHMUS_SERVER'], '--server')
  if (server !== undefined) {
    const listener = await checkListener({ subject: 'operator listener', url: server, ca, now })
    findings.push(...listener)
    if (!listener.some(({ state }) => state === 'fail')) {
      const { checkOperatorFace } = await import('../doctor/operator-face.ts')
      findings.push(...(await withClient(environment, options, checkOperatorFace)))
    }
  }
  if (options.kubeconfig !== undefined) {
    findings.push(...(await examineCluster(environment, { ...options, kubeconfig: options.kubeconfig })))
  }
  return findings
}

async function examineCluster(
  environment: CliEnvironment,
  options: Options & { kubeconfig: string },
): Promise<Finding[]> {
  const { checkUserCluster } = await import('../doctor/user-cluster.ts')
  const { checkRanges } = await import('../doctor/ranges.ts')
  const user = await clientOf(environment, options.kubeconfig, options.context)
  const other = options.dataPlaneKubeconfig
  const dataPlane = other === undefined ? undefined : await clientOf(environment, other)
  try {
    const findings = await checkUserCluster({ client: user, nodeName: options.node })
    const answers = findings[0]?.state !== 'fail'
    return answers ? [...findings, ...(await checkRanges({ user, dataPlane }))] : findings
  } finally {
    await user.close()
    await dataPlane?.close()
  }
}

async function clientOf(environment: CliEnvironment, path: string, context?: string): Promise<KubeClient> {
  const { createKubeClient } = await import('../../kube/client/index.ts')
  const { loadOwnKubeconfig } = await import('../../kube/kubeconfig/index.ts')
  const { target } = await loadOwnKubeconfig({ path, context, env: environment.env })
  return createKubeClient(target, { userAgent: 'isthmus-doctor' })
}

function urlOf(text: string | undefined, option: string): string | undefined {
  if (text === undefined || URL.canParse(text)) return text
  throw new IsthmusError('bad_request', `${option}: ${text} is not a URL`)
}

function render(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ state, check, message, remedy }) => [
    `${state.padEnd(4)}  ${printable(check)}: ${printable(message)}`,
    ...(remedy === undefined ? [] : [`      → ${printable(remedy)}`]),
  ])
  const count = (wanted: Finding['state']) => findings.filter(({ state }) => state === wanted).length
  return [...lines, '', `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} to fix`].join('\n')
}
