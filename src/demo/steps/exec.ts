import { text } from 'node:stream/consumers'
import { dialRemoteCommand, exitCodeOf } from '../../protocol/streams/index.ts'
import { NAMESPACE } from '../manifests.ts'
import type { Step } from '../step.ts'
import { expect } from '../wait.ts'

/** `kubectl exec`: output and exit code come back. */
export const exec: Step = {
  title: 'A command is executed in it, and its exit code comes back',
  async run({ user }) {
    const command = ['sh', '-c', 'echo "running in $(pwd | sed s,.*/,,)"; exit 7']
    const server = await dialRemoteCommand({
      dial: () =>
        user.upgrade({
          path: ['api', 'v1', 'namespaces', NAMESPACE, 'pods', 'web', 'exec'],
          query: { command, container: 'main', stdout: true, stderr: true },
          protocols: ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
        }),
      streams: { stdin: false, stdout: true, stderr: true, tty: false },
    })
    server.stderr?.resume()
    const output = server.stdout === null ? '' : await text(server.stdout)
    const code = exitCodeOf(await server.status)
    expect(code === 7, `exit code 7, not ${code}`)
    expect(output.startsWith('running in'), `the command’s output, not ${JSON.stringify(output)}`)
    return { shown: `it wrote ${JSON.stringify(output.trim())} and ended with ${code}` }
  },
}
