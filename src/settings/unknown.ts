import { nearest } from '../core/nearest.ts';
import type { Fault, Place } from './layers.ts';

/** A name that no setting has. */
export interface UnknownName extends Fault {
  place: Place;
  /** Whether it cannot be meant for another program. */
  isCertain: boolean;
}

/** The client's own settings, and what Kubernetes and Docker set for a service that is called "event". */
const OF_OTHERS = /^event_(client_\w+|service_(host|port\w*)|port_\d+_\w+)$/i;

/** What has to be said about a name that no setting has; null where it is surely another program's. */
export function unknownName(place: Place, candidates: readonly string[]): UnknownName | null {
  const { name, kind, isShared } = place;
  const isPrefixed = /^event_/i.test(name);
  if (OF_OTHERS.test(name) || (kind === 'environment' && !isPrefixed)) return null;
  const bare = candidates.map((each) => each.replace(/^EVENT_/, ''));
  const written = name.toUpperCase().replaceAll(/[-.]/g, '_');
  const withoutPrefix = written.replace(/^EVENT_/, '');
  const meant = candidates.includes(withoutPrefix) ? withoutPrefix : nearest(written, [...candidates, ...bare]);
  if (isShared && !isPrefixed && meant === null) return null;
  const hint = meant === null ? '' : `; did you mean ${asWritten(meant, kind)}?`;
  return {
    setting: kind === 'option' ? `--${name}` : name,
    message: `no setting has this name${hint}`,
    place,
    isCertain: kind !== 'environment' && (!isShared || isPrefixed),
  };
}

/** The same about a member of a setting that is an object. */
export function unknownMember(member: string, place: Place, candidates: readonly string[]): UnknownName {
  const meant = nearest(member, candidates);
  return {
    setting: place.name.toLowerCase().endsWith(member) ? place.name : `${place.name}.${member}`,
    message: `there is no ${member}${meant === null ? '' : `; did you mean ${meant}?`}`,
    place,
    isCertain: place.kind !== 'environment',
  };
}

function asWritten(setting: string, kind: Place['kind']): string {
  if (kind === 'environment' || kind === 'dotenv') return setting;
  return `${kind === 'option' ? '--' : ''}${setting.toLowerCase()}`;
}
