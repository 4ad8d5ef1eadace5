#!/bin/sh
# mosquitto with one listener, for mqttd bench --command 'mosquitto=sh bench/mosquitto.sh {transport} {port} {folder}'
set -eu
transport=$1 port=$2 folder=$3
PATH=$PATH:/usr/sbin:/usr/local/sbin
[ "$transport" != tcp ] || exec mosquitto -p "$port"
{
  # mosquitto 2.0 does not start with WebSocket listeners alone.
  echo "listener 0 $folder/mosquitto.sock"
  echo "listener $port 127.0.0.1"
  case $transport in
    ws | wss) echo "protocol websockets" ;;
  esac
  case $transport in
    tls | wss)
      echo "cafile $folder/ca.crt"
      echo "certfile $folder/server.crt"
      echo "keyfile $folder/server.key"
      ;;
  esac
  echo "allow_anonymous true"
  # Its own user could not read the key.
  [ "$(id -u)" != 0 ] || echo "user root"
} >"$folder/mosquitto.conf"
exec mosquitto -c "$folder/mosquitto.conf"
