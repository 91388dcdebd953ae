import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { isNetwork } from '../../lib/network.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'

/** Where no API server lives: the machine's own network, where clouds hand out credentials, and no address at all. */
const NEVER = [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.192/32', // Oracle's metadata, old
  '100.100.100.200/32', // Alibaba's
  '224.0.0.0/4',
  '255.255.255.255/32',
  '::/128',
  'fe80::/10',
  'fd00:ec2::254/128', // AWS'
  'ff00::/8',
]
/** The machine itself: good where an operator wrote it down, and nothing that a name may turn out to be. */
const LOOPBACK = ['127.0.0.0/8', '::1/128']

/** Decides which addresses a client may connect to (gateways-and-threats.md A15). */
export interface AddressGuard {
  /** @throws IsthmusError invalid for a host that is an address and may not be connected to */
  checkHost(host: string): void
  /**
   * In place of `dns.lookup`, at each connect: a name may mean another address than when it was registered. Fails
   * with code `EADDRREFUSED` unless every address that it found is allowed: one of several must not slip through.
   */
  lookup: LookupFunction
}

export interface AddressGuardOptions {
  /** Addresses and networks (`10.0.0.0/8`, `::1`) that are allowed though they would be refused. @throws Error for none */
  allow?: readonly string[]
  /** For tests; the system's by default. */
  lookup?: typeof systemLookup
}

/** @throws Error naming what in `allow` is no address or network */
export function makeAddressGuard(options: AddressGuardOptions = {}): AddressGuard {
  const { lookup = systemLookup } = options
  const allowed = networks(options.allow ?? [])
  const never = networks(NEVER)
  const loopback = networks(LOOPBACK)
  const within = (list: BlockList, address: string) =>
    list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  const refused = (address: string, byName: boolean) =>
    !within(allowed, address) && (within(never, address) || (byName && within(loopback, address)))

  return {
    checkHost(host) {
      const address = host.replace(/^\[(.*)\]$/, '$1')
      if (isIP(address) === 0 || !refused(address, false)) return
      const message = 'is an address that no data plane may have (--cluster-addresses allows some)'
      throw new IsthmusError('invalid', `server: ${message}`, {
        causes: [{ field: 'server', reason: 'FieldValueInvalid', message }],
      })
    },
    lookup(hostname, asked, callback) {
      lookup(hostname, { ...asked, all: true }, (error, found) => {
        if (error) return callback(error, [])
        // RFC 6761: this name is the machine, whoever is asked.
        const byName = hostname.toLowerCase().replace(/\.$/, '') !== 'localhost'
        const bad = found.find(({ address }) => refused(address, byName))
        if (bad) return callback(new AddressRefused(hostname, bad.address), [])
        const [first] = found
        if (asked.all) callback(null, found)
        else callback(null, first?.address ?? '', first?.family)
      })
    },
  }
}

/** A name led where it must not. Like a name that leads nowhere to whoever waits for the connection. */
class AddressRefused extends Error {
  readonly code = 'EADDRREFUSED'
  constructor(hostname: string, address: string) {
    super(`${hostname} resolves to ${address}, which no data plane may have`)
  }
}

function networks(list: readonly string[]): BlockList {
  const blocks = new BlockList()
  for (const text of list) {
    if (!isNetwork(text)) throw new Error(`${text} is no address or network`)
    const [address = '', bits] = text.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    blocks.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  }
  return blocks
}
