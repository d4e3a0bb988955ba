#!/bin/sh
# Make the secrets that compose.yaml names, in var/deployment. What is there already stays as it is.
# Usage: sh docs/deployment/secrets.sh [HOST]      (the name in the certificate, by default localhost)
set -eu
cd "$(dirname "$0")/../.."
host=${1:-localhost}
folder=var/deployment
# The folder is closed to others. Its files are not: services see each alone, and read it as a user of their own.
mkdir -p "$folder"
chmod 0700 "$folder"
umask 022

random() { openssl rand -base64 48 | tr -d '\n=' | tr '/+' '_-'; }
keep() { # keep NAME: standard input becomes that file, unless there is one
    if [ -e "$folder/$1" ]; then cat > /dev/null; else cat > "$folder/$1"; fi
}

random | keep secret_key
random | keep key_secrets
random | keep database_password
random | keep admin_password
printf 'postgres://vestibule:%s@database/vestibule' "$(cat "$folder/database_password")" | keep database_url
printf 'consolemail://' | keep email_url
if [ ! -e "$folder/tls_key" ]; then
    # For trying it out: browsers warn of it. Put yours in these two files.
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj "/CN=$host" \
        -addext "subjectAltName=DNS:$host" -keyout "$folder/tls_key" -out "$folder/tls_certificate" 2> /dev/null
    chmod 0644 "$folder/tls_key"
fi
echo "Secrets are in $folder. Write the address of your mail server into $folder/email_url, in place of consolemail://."
echo "The first administrator is admin; the password is in $folder/admin_password."
