import { IsthmusError } from '../../../../protocol/errors/index.ts'
import type { SessionTarget } from '../../../sessions/index.ts'
import { flag, single } from '../query.ts'

const commandParameters = new Set(['command', 'container', 'stdin', 'stdout', 'stderr', 'tty'])
/** `ports` is of the older WebSocket protocol; a tunnel names its ports inside. */
const portForwardParameters = new Set(['ports'])

/** What `execve` takes on Linux for all arguments together is 2 MiB; nobody's exec needs more than this. */
const MAX_COMMAND_BYTES = 256 * 1024

/**
 * Reads what an exec, attach or port-forward is to do from its path and query.
 * @throws IsthmusError unknown_parameter, bad_request
 */
export function readStreamTarget(
  place: { verb: 'exec' | 'attach' | 'portforward'; namespace: string; pod: string },
  query: URLSearchParams,
): SessionTarget {
  const known = place.verb === 'portforward' ? portForwardParameters : commandParameters
  for (const key of query.keys()) {
    if (!known.has(key))
      throw new IsthmusError(
        'unknown_parameter',
        `unknown query parameter ${JSON.stringify(key.slice(0, 64))}`,
      )
  }
  if (place.verb === 'portforward') return place
  const target: SessionTarget = {
    ...place,
    container: single(query, 'container'),
    stdin: flag(query, 'stdin'),
    stdout: flag(query, 'stdout'),
    stderr: flag(query, 'stderr'),
    tty: flag(query, 'tty'),
  }
  if (place.verb === 'exec') target.command = readCommand(query)
  else if (query.has('command'))
    throw new IsthmusError('unknown_parameter', 'unknown query parameter "command"')
  checkStreams(target)
  if (target.tty && target.stderr) {
    throw new IsthmusError('bad_request', 'tty and stderr cannot both be true')
  }
  return target
}

/** At least one stream. @throws IsthmusError bad_request */
export function checkStreams({ stdin, stdout, stderr }: SessionTarget): void {
  if (!stdin && !stdout && !stderr) {
    throw new IsthmusError('bad_request', 'you must specify at least 1 of stdin, stdout, stderr')
  }
}

function readCommand(query: URLSearchParams): string[] {
  const command = query.getAll('command')
  if (command.length === 0 || command[0] === '')
    throw new IsthmusError('bad_request', 'you must specify a command')
  if (command.some((part) => part.includes('\0')))
    throw new IsthmusError('bad_request', 'the command holds a NUL')
  if (command.reduce((sum, part) => sum + Buffer.byteLength(part), 0) > MAX_COMMAND_BYTES) {
    throw new IsthmusError('bad_request', 'the command is too long')
  }
  return command
}
