/** A short mail for each alert: the returned text is the body of the success mail. */
export default function (event) {
  const { message } = event.event_data ?? {};
  const where = Object.entries(event.source).map(([name, id]) => `${name} ${id}`);
  return [message ?? event.event_type, `level ${event.log_level}, ${event.event_timestamp}`, ...where].join('\n');
}
