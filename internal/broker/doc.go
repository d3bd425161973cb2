// Package broker is everything NATS: the connection, the streams and durables,
// and the adapters that let internal/consumer pull, reschedule and bury without
// knowing a broker.
//
//	PUSH ─────── durable <handler> ───────────► Lane.Fresh
//	PUSH_RETRY ─ durable <handler> ───────────► Lane.Retries
//	           └ durable <handler>-suspects ──► Lane.Suspects
//	push.schedule.<handler>.… ◄── Scheduler      push.dead.… ◄── Letters
//	bucket push-lanes ◄─────────── Keeper: how far each lane is
//	bucket push-devices ◄───────► Devices        push.devices.… ─► its request service
//
// It refuses to know what a receipt is, how often one is tried and what a
// handler does. What is lost at its border: the headers of a message that begin
// with Nats- or Push- are the broker's and ours and are not handed on as the
// publisher's, and an ack is buffered, so a nil error of one is not the broker's
// word.
//
// # Permissions
//
// What a user must be allowed to publish, for stream PUSH and handler fcm; to
// subscribe it needs its inbox only. Each line is tested. Whole sets for the roles,
// devices and events included, are in deploy/permissions.
//
//	run, provisioned by others   $JS.API.STREAM.INFO of PUSH, PUSH_RETRY and PUSH_DEAD,
//	                             $JS.API.CONSUMER.INFO.PUSH.fcm, $JS.API.CONSUMER.MSG.NEXT.PUSH.fcm,
//	                             $JS.ACK.PUSH.fcm.>, $JS.ACK.*.*.PUSH.fcm.>; the same four for PUSH_RETRY.fcm
//	                             and PUSH_RETRY.fcm-suspects; push.schedule.fcm.>, push.retry.fcm,
//	                             push.retry.fcm.suspects, push.dead.fcm, push.dead._malformed.>
//	+ janitor                    $JS.API.CONSUMER.LIST.PUSH, $JS.API.STREAM.PURGE.PUSH
//	+ positions of lanes         $KV.push-lanes.>, $JS.API.DIRECT.GET.KV_push-lanes
//	+ complete status            $JS.API.DIRECT.GET.PUSH, $JS.API.DIRECT.GET.PUSH_RETRY
//	lane retire                  $JS.API.CONSUMER.LIST.* and $JS.API.CONSUMER.DELETE.*.* of PUSH and PUSH_RETRY,
//	                             $JS.API.STREAM.PURGE.PUSH_RETRY; and positions of lanes
//	lane pause, resume           $JS.API.CONSUMER.PAUSE.PUSH.fcm, and the same of the other two durables
//	deadletter ls, show          $JS.API.DIRECT.GET.PUSH_DEAD; for an original also $JS.API.DIRECT.GET.PUSH
//	+ drop                       $JS.API.STREAM.MSG.DELETE.PUSH_DEAD
//	+ redrive                    the same, $JS.API.CONSUMER.INFO.PUSH_RETRY.fcm, $JS.API.STREAM.INFO.PUSH_RETRY,
//	                             push.retry.fcm, push.retry.fcm.suspects
//	replay                       $JS.API.DIRECT.GET.PUSH; with --handler and --yes also what the handler's devices need
//	explain                      $JS.API.DIRECT.GET of PUSH, PUSH_RETRY, PUSH_DEAD and PUSH_EVENTS,
//	                             $JS.API.STREAM.INFO.PUSH, $JS.API.CONSUMER.LIST.PUSH
//	erase                        $JS.API.DIRECT.GET and $JS.API.STREAM.MSG.DELETE of PUSH, PUSH_RETRY, PUSH_DEAD and
//	                             PUSH_EVENTS, $JS.API.STREAM.INFO.PUSH, $JS.API.STREAM.INFO.PUSH_EVENTS,
//	                             $JS.API.CONSUMER.LIST.PUSH, push.dead.>; and what device rm needs
//	provision                    $JS.API.STREAM.{INFO,CREATE,UPDATE}.*, $JS.API.STREAM.NAMES,
//	                             $JS.API.CONSUMER.INFO.*.*, $JS.API.CONSUMER.CREATE.>; and positions of lanes
package broker
